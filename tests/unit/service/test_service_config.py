"""The service's own file: every mistake is named with its field, and nothing is taken that nobody wrote."""

from pathlib import Path

import pytest

from reconciler.service.config import ConfigError, service_config

GIT = "source: {git: {url: 'https://git.contoso.com/fleet.git'}}\n"
HERE = Path("/etc/reconciler")


def findings(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        service_config(text, "service.yaml", HERE)
    return [problem.finding for problem in refused.value.problems]


def test_a_source_is_all_that_must_be_given() -> None:
    config = service_config(GIT, "service.yaml", HERE)

    assert (config.mode, config.approval, config.api and config.api.host) == ("apply", "none", "127.0.0.1")


def test_relative_paths_count_from_the_file_but_a_folder_in_git_does_not() -> None:
    text = "source: {git: {url: u, path: fleet, clone: clone}}\napi: {tokens: tokens.yaml}\n"
    config = service_config(text, "service.yaml", HERE)

    assert config.source.git is not None
    assert config.api is not None
    assert (config.source.git.path, config.source.git.clone, config.api.tokens) == (
        "fleet",
        HERE / "clone",
        HERE / "tokens.yaml",
    )


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", "the file holds no settings"),
        ("source: {}\n", "source: give just one of git and folder"),
        (GIT + "aproval: required\n", "aproval: unknown field"),
        (GIT + "api: {host: 0.0.0.0}\n", "api: an address other than loopback needs tls: {certificate, key}"),
        (GIT + "intervalSeconds: 0\n", "intervalSeconds: input should be greater than 0"),
        ("source: {git: {url: u, branch: '--upload-pack=x'}}\n", "source.git.branch: give the name of a branch, such as main"),
        ("source: {git: {url: '--upload-pack=x'}}\n", "source.git.url: a URL does not begin with a dash"),
    ],
)
def test_a_mistake_is_named_with_its_field(text: str, finding: str) -> None:
    assert findings(text) == [finding]


def test_a_password_in_the_url_is_refused_and_never_repeated() -> None:
    (finding,) = findings("source: {git: {url: 'https://bot:hunter2@git.contoso.com/fleet.git'}}\n")

    assert "a URL with a password" in finding
    assert "hunter2" not in finding


def test_what_is_no_yaml_names_the_line() -> None:
    with pytest.raises(ConfigError) as refused:
        service_config(GIT + "api: [\n", "service.yaml", HERE)

    assert refused.value.problems[0].subject == "service.yaml:3"
