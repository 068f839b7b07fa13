"""Your own photos and listings: a folder that is read every night (source `folder`), or imported once."""
