"""Apache Airflow provider for leat."""

__version__ = "0.1.0"
