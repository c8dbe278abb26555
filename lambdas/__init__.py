"""The AWS edition: one thin file for each Lambda, and `wiring`, where its parts are put together."""

import gc

# A start makes two hundred thousand objects, and they stay. Python would look through them for garbage again and again
# while they become more, which is a tenth of a start: it looks again when they are all there (`watching.watched`).
USUAL_THRESHOLDS = gc.get_threshold()
gc.set_threshold(1_000_000)
