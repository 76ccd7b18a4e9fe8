"""What every Lambda function stands on: clients of AWS, INIT, freezes, metrics, attributes. Knows no football."""
