version = "f2.0.0-v1.10.1RC"
