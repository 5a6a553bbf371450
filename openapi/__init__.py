"""The API document, OpenAPI 3.1: plain dictionaries, a module for each subject.

Labels, methods, limits and errors are taken from the code, and tests hold the rest to the
routes and to what they answer, so that the document says what the service does.
"""
