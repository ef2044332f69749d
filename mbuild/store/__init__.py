"""Where images live, behind one small interface: a repository in a registry, or a layout."""
