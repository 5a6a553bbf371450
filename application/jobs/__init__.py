"""Requests that are answered later, by threads of the web processes or by Celery."""
