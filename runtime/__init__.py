"""The base of every Lambda function: clients of AWS, INIT, freezes, metrics, attributes. Knows no football."""
