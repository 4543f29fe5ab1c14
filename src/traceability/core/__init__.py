"""Pure: the formats and rules anyone can check. No I/O, no clock, no SQL, no web."""
