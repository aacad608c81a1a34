"""The servers of docker-compose.yml: official images, configured by environment and command."""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]

KAFKA = "kafka:9092"
SETTINGS = ("max_connections=200", "max_locks_per_transaction=256")
"""Ten processes with up to ten pooled connections each, a leader and a listener; and the locks."""


def kafka() -> Tree:
    """One KRaft broker."""
    listeners = "PLAINTEXT://:9092,CONTROLLER://:9093"
    return {
        "image": "apache/kafka:4.3.0",
        "environment": {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": listeners,
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{KAFKA}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
        },
        "volumes": ["kafka:/var/lib/kafka/data"],
        "healthcheck": health(
            "/opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server localhost:9092"
        ),
        "restart": "unless-stopped",
    }


def postgres() -> Tree:
    """PostgreSQL 18 with the locale and passwords of the local one."""
    return {
        "image": "postgres:18",
        "command": ["postgres", *(part for each in SETTINGS for part in ("-c", each))],
        "environment": {
            "POSTGRES_PASSWORD_FILE": "/run/secrets/postgres.password",
            "POSTGRES_INITDB_ARGS": "--locale-provider=builtin --builtin-locale=C.UTF-8"
            " --encoding=UTF8 --auth=scram-sha-256",
        },
        "secrets": ["postgres.password"],
        "volumes": ["postgres:/var/lib/postgresql"],
        "healthcheck": health("pg_isready -U postgres -h 127.0.0.1"),
        "restart": "unless-stopped",
    }


def health(command: str) -> Tree:
    """A check that a server is given 20 s and twelve tries to pass."""
    return {
        "test": ["CMD-SHELL", command],
        "interval": "5s",
        "timeout": "5s",
        "retries": 12,
        "start_period": "20s",
    }
