"""`make stage`."""

from rehearsal.stage.process import main

main()
