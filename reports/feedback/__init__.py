"""What responders' answers say of two contenders: carried-over verdicts, brackets, and what to ask next."""
