"""The AWS edition: one thin file for each Lambda, and `wiring`, where its parts are put together."""

import gc

# A start makes nearly a hundred thousand objects, and they stay. Python would look through all of them for garbage
# again and again while they become more, which is a tenth of a start; so it looks once, when they are all there.
gc.set_threshold(100_000)
