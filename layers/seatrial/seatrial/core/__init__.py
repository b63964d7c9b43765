"""What Seatrial decides. Values in, values out: no AWS, no clock, no environment, no log."""
