"""The base of every Lambda function: clients of AWS, INIT, freezes, metrics, DynamoDB attributes. No football here."""
