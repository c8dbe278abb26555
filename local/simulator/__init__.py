"""Stands in for Twilio (SMS and WhatsApp), Telegram and the mail on one machine, on one page: /simulator."""

from local.simulator.blueprint import create_simulator
from local.simulator.guard import switched_off
from local.simulator.settings import SimulatorSettings
from local.simulator.state import State

__all__ = ["SimulatorSettings", "State", "create_simulator", "switched_off"]
