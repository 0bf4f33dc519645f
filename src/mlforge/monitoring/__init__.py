"""Live windows: cut from any source, compared with the reference of the model, stored, and alerted on."""
