"""The shim that serves the champion and the sidecar that shadows it."""
