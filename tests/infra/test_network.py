"""The network as CloudFormation makes it, on moto: MiniStack knows no machines and no NAT gateway.

Of three things moto takes no notice, and the template's own words are read: what a security group lets out, the groups
of an instance, and whether it passes on what is not for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.deploy import deploy_stack
from infra.templates import expanded
from tests.servers import Moto

TEMPLATE = expanded("network")
IMAGE = "ami-12c6146b"  # one of those that moto has
NATS = {"instance": "NatInstance", "gateway": "NatGateway"}


@dataclass
class Network:
    """A stack that was made: its outputs, what AWS calls each resource, and EC2 to look at them."""

    outputs: dict[str, str]
    made: dict[str, Any]
    ec2: Any

    def routes(self, table: str) -> list[dict[str, str]]:
        """Where a route table sends what goes to strangers."""
        [found] = self.ec2.describe_route_tables(RouteTableIds=[self.made[table]])["RouteTables"]
        return [route for route in found["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"]

    def let_in(self, group: str) -> set[tuple[int, str]]:
        """The ports that are open, each with the group that it is open to."""
        [found] = self.ec2.describe_security_groups(GroupIds=[self.made[group]])["SecurityGroups"]
        names = {identifier: name for name, identifier in self.made.items()}
        rules = found["IpPermissions"]
        assert not any(rule["IpRanges"] or rule["Ipv6Ranges"] or rule["PrefixListIds"] for rule in rules)
        return {(rule["FromPort"], names[pair["GroupId"]]) for rule in rules for pair in rule["UserIdGroupPairs"]}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    with Moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="module")
def networks(aws: Moto) -> dict[str, Network]:
    """The network with each kind of NAT."""
    return {nat: make(aws, nat) for nat in NATS}


def make(aws: Moto, nat: str) -> Network:
    cloudformation = aws.client("cloudformation")
    outputs = deploy_stack(cloudformation, nat, "network", {"Stage": nat, "Nat": nat, "Image": IMAGE})
    found = cloudformation.describe_stack_resources(StackName=nat)["StackResources"]
    # What a condition forbids is listed too, with nothing in it.
    made = {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in found if "LogicalResourceId" in each}
    return Network(outputs, made, aws.client("ec2"))


@pytest.mark.parametrize("nat", NATS)
def test_what_the_network_names_is_made(networks: dict[str, Network], nat: str) -> None:
    wanted = {
        name
        for name, resource in TEMPLATE["Resources"].items()
        if resource.get("Condition", NATS[nat]) == NATS[nat]
    }  # fmt: skip

    assert networks[nat].made.keys() == wanted
    assert networks[nat].outputs.keys() == TEMPLATE["Outputs"].keys()


@pytest.mark.parametrize(("nat", "way"), [("instance", "InstanceId"), ("gateway", "NatGatewayId")])
def test_the_way_out_leads_through_the_nat_which_has_one_address(
    networks: dict[str, Network], nat: str, way: str
) -> None:
    network = networks[nat]
    through = network.made[f"{NATS[nat]}A"]

    assert [route.get(way) for route in network.routes("PrivateRoutes")] == [through]
    assert [route.get("GatewayId") for route in network.routes("PublicRoutes")] == [network.made["InternetGateway"]]
    [address] = network.ec2.describe_addresses(PublicIps=[network.made[f"{NATS[nat]}Address"]])["Addresses"]
    if nat == "instance":
        assert address["InstanceId"] == through
    else:
        [gateway] = network.ec2.describe_nat_gateways(NatGatewayIds=[through])["NatGateways"]
        assert gateway["SubnetId"] == network.made["PublicSubnetA"]
        assert [each["AllocationId"] for each in gateway["NatGatewayAddresses"]] == [address["AllocationId"]]


@pytest.mark.parametrize("nat", NATS)
def test_the_bastion_is_private_and_lets_nobody_in(networks: dict[str, Network], nat: str) -> None:
    network = networks[nat]
    [bastion] = network.ec2.describe_instances(InstanceIds=[network.outputs["Bastion"]])["Reservations"][0]["Instances"]

    assert bastion["SubnetId"] == network.made["PrivateSubnetA"]
    assert network.let_in("BastionGroup") == network.let_in("FunctionsGroup") == set()


def test_the_instances_are_in_their_groups_and_the_nat_passes_on_what_is_not_for_itself() -> None:
    bastion, nat = (TEMPLATE["Resources"][name]["Properties"] for name in ("Bastion", "NatInstanceA"))

    assert bastion["SecurityGroupIds"] == [{"Ref": "BastionGroup"}]
    assert nat["SecurityGroupIds"] == [{"Ref": "NatGroup"}]
    assert nat["SourceDestCheck"] is False


@pytest.mark.parametrize("nat", NATS)
def test_the_database_and_the_cache_answer_the_functions_and_the_bastion_alone(
    networks: dict[str, Network], nat: str
) -> None:
    for group, port in (("DatabaseGroup", 3306), ("CacheGroup", 6379)):
        assert networks[nat].let_in(group) == {(port, "FunctionsGroup"), (port, "BastionGroup")}


def test_whoever_is_let_in_somewhere_is_let_out_to_there(networks: dict[str, Network]) -> None:
    network = networks["instance"]
    inward = {(by, port, to) for to in ("DatabaseGroup", "CacheGroup") for port, by in network.let_in(to)}
    outward = {
        (name, rule["FromPort"], rule["DestinationSecurityGroupId"]["Ref"])
        for name in ("FunctionsGroup", "BastionGroup")
        for rule in TEMPLATE["Resources"][name]["Properties"]["SecurityGroupEgress"]
        if "DestinationSecurityGroupId" in rule
    }

    assert outward == inward
