"""The rehearsal's stories, one a file, in the order in which they are told."""
