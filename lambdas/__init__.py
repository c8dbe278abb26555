"""The AWS edition: one thin file for each Lambda, and `wiring`, where its parts are put together."""
