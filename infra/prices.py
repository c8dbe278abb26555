"""What AWS asks for in São Paulo, and the carriers for texts, in US dollars, before tax and discounts.

`listed` is the day of the price list that was read, or of the publication that quotes it; where it bears none, READ_ON,
the day on which all of them were read. None says that a price could not be read that day: it is from memory, and has to
be checked before anybody relies on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

REGION = "sa-east-1"
READ_ON = date(2026, 11, 29)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one `unit`; `free` units a month cost nothing, for good. `source` is a URL."""

    usd: float
    unit: str
    source: str
    listed: date | None
    free: float = 0


def _offer(service: str) -> str:
    # https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html
    return f"https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service}/current/{REGION}/index.json"


API_GATEWAY, CLOUDWATCH, EC2, RDS, S3, VPC, CACHE, TRANSFER, FUNCTIONS, SQS = map(
    _offer,
    (
        "AmazonApiGateway",
        "AmazonCloudWatch",
        "AmazonEC2",
        "AmazonRDS",
        "AmazonS3",
        "AmazonVPC",
        "AmazonElastiCache",
        "AWSDataTransfer",
        "AWSLambda",
        "AWSQueueService",
    ),
)
CLOUDFRONT, DYNAMODB, KMS, SEARCH, SNS, WAF, XRAY = (
    f"https://aws.amazon.com/{service}/pricing/"
    for service in ("cloudfront", "dynamodb", "kms", "opensearch-service", "sns", "waf", "xray")
)
TWILIO_SMS, TWILIO_WHATSAPP = "https://www.twilio.com/en-us/sms/pricing", "https://www.twilio.com/whatsapp/pricing"
META = "https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing"
TELEGRAM = "https://core.telegram.org/bots/faq"

AUGUST, SEPTEMBER = date(2026, 8, 8), date(2026, 9, 25)

AWS: Mapping[str, Price] = {
    "instance t4g.nano": Price(0.0067, "hour", EC2, AUGUST),
    "instance's disk": Price(0.152, "GB-month", EC2, SEPTEMBER),
    "public address": Price(0.005, "hour", VPC, date(2026, 9, 17)),
    "NAT gateway": Price(0.093, "hour", EC2, SEPTEMBER),
    "through the NAT gateway": Price(0.093, "GB", EC2, SEPTEMBER),
    "out to the internet": Price(0.15, "GB", TRANSFER, date(2026, 9, 16), free=100),
    "between zones, both directions": Price(0.02, "GB", TRANSFER, date(2026, 9, 16)),
    # PostgreSQL's smallest was read (0.034), MySQL's not.
    "database db.t4g.micro": Price(0.034, "hour", RDS, None),
    "database db.t4g.small": Price(0.068, "hour", RDS, None),
    "database db.t4g.medium": Price(0.136, "hour", RDS, None),
    "database's disk": Price(0.219, "GB-month", RDS, date(2026, 9, 16)),
    "database's backups beyond its size": Price(0.095, "GB-month", RDS, None),
    "RDS Proxy": Price(0.024, "vCPU-hour", RDS, None),
    "cache node cache.t4g.micro": Price(0.0272, "hour", CACHE, None),
    "function calls": Price(0.20, "million", FUNCTIONS, date(2026, 9, 19), free=1),
    "function time": Price(0.0000166667, "GB-second", FUNCTIONS, date(2026, 9, 19), free=400_000),
    "requests at API Gateway": Price(4.25, "million", API_GATEWAY, date(2026, 9, 21)),
    "requests at CloudFront": Price(2.20, "million", CLOUDFRONT, date(2026, 9, 16), free=10),
    "out of CloudFront": Price(0.11, "GB", CLOUDFRONT, date(2026, 9, 16), free=1024),
    "WAF web ACL": Price(5.00, "month", WAF, READ_ON),
    "WAF rule": Price(1.00, "month", WAF, READ_ON),
    "requests at WAF": Price(0.60, "million", WAF, READ_ON),
    "SNS publications": Price(0.50, "million", SNS, None, free=1),
    "SQS requests": Price(0.40, "million", SQS, date(2025, 8, 28), free=1),
    "DynamoDB reads": Price(0.1875, "million", DYNAMODB, None),
    "DynamoDB writes": Price(0.9375, "million", DYNAMODB, None),
    "DynamoDB storage": Price(0.375, "GB-month", DYNAMODB, None, free=25),
    "DynamoDB backups": Price(0.30, "GB-month", DYNAMODB, None),
    "S3 storage": Price(0.0405, "GB-month", S3, date(2026, 9, 26)),
    "key requests": Price(3.00, "million", KMS, AUGUST, free=0.02),
    "alarms": Price(0.135, "month", CLOUDWATCH, AUGUST, free=10),
    "metrics of our own": Price(0.30, "month", CLOUDWATCH, None, free=10),
    "dashboards": Price(3.00, "month", CLOUDWATCH, None, free=3),
    "logs written": Price(0.90, "GB", CLOUDWATCH, date(2026, 9, 22), free=5),
    "logs kept": Price(0.0408, "GB-month", CLOUDWATCH, date(2026, 9, 22)),
    "traces": Price(5.00, "million", XRAY, None, free=0.1),
    "log search node t3.small.search": Price(0.057, "hour", SEARCH, None),
    "log search disk": Price(0.23, "GB-month", SEARCH, None),
}

TEXTS: Mapping[str, Mapping[str, Price]] = {
    "BR": {
        "SMS sent": Price(0.0599, "segment", TWILIO_SMS, None),
        "SMS received": Price(0.0075, "segment", TWILIO_SMS, None),
        "SMS fee of the guest's network": Price(0, "segment", TWILIO_SMS, None),
        "phone number": Price(4.25, "month", TWILIO_SMS, None),
        "WhatsApp fee of Twilio": Price(0.005, "message", TWILIO_WHATSAPP, READ_ON),
        # R$ 0.035. Since that day Meta charges for what is sent within 24 hours of the guest's text, too.
        "WhatsApp fee of Meta": Price(0.0068, "message sent", META, date(2026, 10, 1)),
        "Telegram": Price(0, "message", TELEGRAM, None),
    },
    "US": {
        "SMS sent": Price(0.0083, "segment", TWILIO_SMS, date(2026, 11, 9)),
        "SMS received": Price(0.0083, "segment", TWILIO_SMS, date(2026, 11, 9)),
        "SMS fee of the guest's network": Price(0.0035, "segment", TWILIO_SMS, date(2026, 4, 1)),
        "phone number": Price(1.15, "month", TWILIO_SMS, date(2026, 4, 1)),
        "WhatsApp fee of Twilio": Price(0.005, "message", TWILIO_WHATSAPP, READ_ON),
        "WhatsApp fee of Meta": Price(0.0034, "message sent", META, None),
        "Telegram": Price(0, "message", TELEGRAM, None),
    },
}
