"""How a release's chart looks: the board's, a rehearsal's and the command line's are the same drawing. Pure.

`axes` places values on pixels, `panels` draws what one panel shows, `svg` stacks the panels, `page` puts them among
words, `look` has colours and styles. There is no script in any of it: CloudWatch would take it out.
"""
