"""PetShop: a microservice application with injected issues."""
