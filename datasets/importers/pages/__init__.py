"""Page history of the tool that pages today, from its own exports: an opaque champion, on day one."""
