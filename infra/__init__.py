"""The AWS stack: its templates, and what builds the functions' code."""
