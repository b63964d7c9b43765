"""Seatrial: everything between deploying a Lambda version and releasing it to users."""
