"""What the distribution `gatewatch` holds and needs; tool settings are in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
# What a user needs outside a checkout; bot/resources.py finds it under bot/data.
DATA = ("signatures", "examples", "config.example.yaml")


class BuildWithData(build_py):
    """Pack the shipped signatures, examples and example config beside the code."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "bot" / "data"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in DATA:
            source = HERE / name
            if source.is_dir():
                shutil.copytree(source, target / name)
            else:
                shutil.copy2(source, target / name)


setup(
    name="gatewatch",
    version="0.1.0",
    description="IRC and Matrix bot that says what broke in a CI gate, and whether it is known",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["bot", "bot.*"]),
    package_data={"bot": ["py.typed"]},
    cmdclass={"build_py": BuildWithData},
    entry_points={"console_scripts": ["gatewatch = bot.cli:main"]},
    install_requires=[
        "irc>=20.5,<21",
        "scramp>=1.4.6,<2",
        "matrix-nio>=0.26,<0.27",
        "nh3>=0.3,<0.4",
        "elasticsearch[async]>=8.19,<10",
        "pyyaml>=6",
        "apscheduler>=3.11,<4",
        "pydantic>=2.8,<3",
        "sqlalchemy>=2.0.30,<2.1",
        "alembic>=1.13,<2",
        "tantivy>=0.26,<0.28",
        "rapidfuzz>=3.9,<4",
        "regex>=2024.5",
        "typer>=0.12",
        "watchfiles>=1,<2",
        "rich>=13",
    ],
    extras_require={
        "e2e": ["matrix-nio[e2e]>=0.26,<0.27"],
        "aws": ["botocore>=1.34,<2"],
        "postgres": ["psycopg[binary]>=3.2,<4"],
        "plots": ["matplotlib>=3.9", "pillow>=10"],
        "test": [
            "matrix-nio[e2e]>=0.26,<0.27",
            "botocore>=1.34,<2",
            "psycopg[binary]>=3.2,<4",
            "pytest>=8,<9",
            "pytest-asyncio>=0.24,<2",
            "pytest-xdist>=3.6,<4",
            "hypothesis>=6.100",
            "matplotlib>=3.9",
            "pillow>=10",
            "mypy>=1.13,<2",
            "ruff>=0.8,<1",
            "types-PyYAML",
            "types-regex",
            "setuptools>=70",
            "wheel>=0.43",
        ],
    },
)
