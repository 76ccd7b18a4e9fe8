"""Load on loopback: crowds of viewers, locust, a stand-in for API Gateway, and the benches."""
