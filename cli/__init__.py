"""`seatrial`, the command line for people."""
