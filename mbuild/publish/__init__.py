"""The flow of a publication, one step a module: everything is read and decided, then written."""
