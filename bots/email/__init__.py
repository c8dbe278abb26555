"""Mail, so far for staff accounts only."""
