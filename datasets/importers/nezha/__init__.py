"""The Nezha set: two microservice systems under fault injection."""
