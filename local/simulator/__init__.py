"""Stands in for Twilio (SMS and WhatsApp), Telegram and the mail on one machine, on one page: /simulator."""

from local.simulator.blueprint import create_simulator
from local.simulator.settings import SimulatorSettings

__all__ = ["SimulatorSettings", "create_simulator"]
