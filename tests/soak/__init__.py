"""`make soak`: an evening of the AWS edition whose containers die in the middle of their work."""
