"""What goes to a device: model files, C++ project, card and the tables that they need."""
