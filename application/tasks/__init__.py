"""One service for each task, and the song library; they know the application, not Flask."""
