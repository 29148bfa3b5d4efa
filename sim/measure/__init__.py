"""From what became of messages to tables: every number that the lab prints is defined here.
Nothing here simulates, and nothing here writes words.
"""
