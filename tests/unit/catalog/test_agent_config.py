import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from libs.catalog.agent_config import AgentConfig, AgentConfigError, parse_agent_config


def test_nothing_said_is_every_default() -> None:
    assert parse_agent_config("") == parse_agent_config("{}") == AgentConfig()


def test_what_is_said_wins_and_the_rest_is_default() -> None:
    config = parse_agent_config("flow:\n  max_flows: 5000\nl7:\n  http_endpoint_segments: 3\n")
    assert config.flow.max_flows == 5000
    assert config.l7.http_endpoint_segments == 3
    assert config.send == AgentConfig().send


def test_a_configuration_survives_being_written_as_yaml() -> None:
    config = parse_agent_config("capture: {exclude_ports: [22, 2049]}")
    assert parse_agent_config(yaml.safe_dump(config.model_dump(mode="json"))) == config


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("flow: {max_flow: 5000}", "no key 'flow.max_flow': did you mean 'flow.max_flows'"),
        ("max_flows: 5000", "no key 'max_flows': did you mean 'flow.max_flows'"),
        ("captrue: {enabled: false}", "did you mean 'capture'"),
        ("zzzzzz: 1", "the keys are capture"),
        ("flow: {max_flows: many}", "flow.max_flows: "),
        ("flow: {max_flows: 1}", "greater than or equal to 1000"),
        ("capture: {ring_mib: 0}", "greater than or equal to 1"),
        ("capture: {exclude_ports: [70000]}", "capture.exclude_ports.0"),
        ("capture: {interfaces: [a/b/c]}", "capture.interfaces.0"),
        ("capture: {exclude_interfaces: ['']}", "capture.exclude_interfaces.0"),
        ("l7: {protocols: [HTTP, Gopher]}", "l7.protocols.1: Input should be 'HTTP'"),
        ("flow: {rows_per_s: -1}", "greater than or equal to 0"),
        ("l7: {http_endpoint_segments: 0}", "l7.http_endpoint_segments"),
        ("- a\n- b", "mapping of sections"),
        ("a: [", "not YAML in line"),
        ("a: !!python/object/apply:os.system ['true']", "not YAML"),
        ("a: 1\n" * 100_000, "at most 256 KiB"),
        ("[" * 50_000, "not YAML"),
        ("flow: !!timestamp 2001-99-99", "not YAML"),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_remedy(text: str, sentence: str) -> None:
    with pytest.raises(AgentConfigError) as refused:
        parse_agent_config(text)
    assert sentence in str(refused.value)


def test_aliases_that_multiply_are_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(AgentConfigError, match="no key 'a0'"):
        parse_agent_config("\n".join(lines))
    with pytest.raises(AgentConfigError):
        parse_agent_config("\n".join([*lines, "flow: *a11"]))


@given(st.text())
def test_any_text_is_a_configuration_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_agent_config(text), AgentConfig)
    except AgentConfigError as error:
        assert str(error)  # noqa: PT017  most texts are refused, some are not
