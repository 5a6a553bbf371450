"""The application around the workshop `emosync`: what knows requests, settings and tasks."""
