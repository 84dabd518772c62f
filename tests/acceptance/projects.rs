//! Projects as they are made by `new`, and plugins in them.
