"""Printing: a schedule in a falsifying example, as the file that can be kept. Never writes one."""

from hypothesis.vendor.pretty import RepresentationPrinter, for_type_by_name

from mockfoundry.scenarios import Scenario


def print_schedules() -> None:
    """Lets Hypothesis print scenarios line by line: indented as a whole, the text is still YAML when it is copied."""
    for_type_by_name(Scenario.__module__, Scenario.__name__, print_scenario)


def print_scenario(scenario: Scenario, printer: RepresentationPrinter, cycle: bool) -> None:
    """Prints a scenario file in lines of its own, so that nothing of what stands around it is in them."""
    told = f"# {scenario.name}.yaml; to play it again: mockfoundry serve --scenario {scenario.name}.yaml"
    with printer.group(indent=4):
        for line in (told, *scenario.to_yaml().splitlines()):
            printer.break_()
            printer.text(line)
    printer.break_()
