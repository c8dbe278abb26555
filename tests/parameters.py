"""What the AWS edition is set to in tests: everything that it needs."""

PARAMETERS = {
    "CONTACT_KEY": "a key for opt-outs that is long enough",
    "MYSQL_DATABASE": "line",
    "MYSQL_HOST": "db.example",
    "MYSQL_USER": "line",
    "ORIGIN_KEY": "the key of the front",
    "PUBLIC_URL": "https://line.example.com",
    "REDIS_HOST": "rediss://cache.example:6379",
    "TELEGRAM_BOT_TOKEN": "123456:ABC-DEF",
    "TELEGRAM_WEBHOOK_SECRET": "webhook-secret",
    "TOKEN_KEY": "a key for sessions that is long enough",
    "TWILIO_ACCOUNT_SID": "AC0123456789",
    "TWILIO_AUTH_TOKEN": "the auth token",
}
