"""What is asked for: labels and their phrases, files of them, templates, classes taught from examples."""
