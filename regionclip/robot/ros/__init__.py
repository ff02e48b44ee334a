"""A perception node as ROS knows one: names, parameters, topics and their quality of service; it knows no transport."""
