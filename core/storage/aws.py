"""How long AWS may take, for whoever asks it: boto3's own minute, and four more, outlive every function."""

from botocore.config import Config

# Somebody waits for an answer meanwhile: a carrier, or staff.
IMPATIENT = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
# Nothing can be done without it.
PATIENT = Config(connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 3})
