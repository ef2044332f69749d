"""What the tests stand on: registries real and scripted, small images, the program as users run it."""
