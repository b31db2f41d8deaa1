"""What is known of a service at a tick, as numbers: the same stateful code for fit, replay and serving."""
