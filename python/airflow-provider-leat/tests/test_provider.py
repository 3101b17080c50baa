from __future__ import annotations

import importlib
import pathlib

import yaml

from leat_provider.assets import table_asset, topic_asset
from leat_provider.get_provider_info import get_provider_info


def test_the_file_says_the_same():
    file = pathlib.Path(__file__).resolve().parents[1] / "provider.yaml"
    assert yaml.safe_load(file.read_text()) == get_provider_info()


def test_what_it_names_is_there():
    info = get_provider_info()
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for entry in info[kind]:
            for module in entry["python-modules"]:
                importlib.import_module(module)
    for path in [*info["extra-links"], *(c["hook-class-name"] for c in info["connection-types"])]:
        module, _, name = path.rpartition(".")
        assert hasattr(importlib.import_module(module), name)


def test_airflow_knows_it():
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert "airflow-provider-leat" in manager.providers
    assert "leat" in manager.hooks
    assert manager.hooks["leat"].hook_name == "leat"
    assert "leat_provider.links.leat.LeatConsoleLink" in manager.extra_links_class_names


def test_assets_quote_their_names():
    assert table_asset("users", "spark_streams.created_users").uri == "leat://users/tables/spark_streams.created_users"
    assert topic_asset("users", "a b/ü").uri.startswith("leat://users/topics/a%20b")
