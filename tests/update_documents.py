"""Writes what documents and golden files take from the code: scenarios, commands, calls, reports: `make documents`."""

from mockfoundry.scenarios.reference import write_reference
from tests.broken_files import write_golden_texts
from tests.cli.test_readme import README_FILE, README_TABLE, rows
from tests.clients.client_pages import client_pages, render_page
from tests.clients.symptom_page import SYMPTOMS_PAGE, render_symptoms
from tests.command_line import PAGE, page
from tests.http_page import HTTP_PAGE, render_http_page
from tests.man_page import MAN_PAGE, render_man_page
from tests.not_modelled_page import NOT_MODELLED_PAGE, render_not_modelled
from tests.operations_page import OPERATIONS_PAGE, render_operations_page
from tests.plugin.golden_output import write_golden_output
from tests.project.house import PICTURE, render_house
from tests.project.python_page import PYTHON_PAGE, render_python_page
from tests.recipes.recipe_pages import write_recipe_pages
from tests.seed_page import SEED_PAGE, render_seed_page

if __name__ == "__main__":
    text = README_FILE.read_text(encoding="utf-8")
    README_FILE.write_text(README_TABLE.sub(lambda found: found.group(1) + rows() + found.group(3), text), "utf-8")
    write_reference()
    write_golden_texts()
    PAGE.write_text(page(), encoding="utf-8")
    MAN_PAGE.write_text(render_man_page(), encoding="utf-8")
    PICTURE.write_text(render_house(), encoding="utf-8")
    SEED_PAGE.write_text(render_seed_page(), encoding="utf-8")
    HTTP_PAGE.write_text(render_http_page(), encoding="utf-8")
    OPERATIONS_PAGE.write_text(render_operations_page(), encoding="utf-8")
    for path in client_pages():
        path.write_text(render_page(path), encoding="utf-8")
    write_recipe_pages()
    SYMPTOMS_PAGE.write_text(render_symptoms(), encoding="utf-8")
    PYTHON_PAGE.write_text(render_python_page(), encoding="utf-8")
    NOT_MODELLED_PAGE.write_text(render_not_modelled(), encoding="utf-8")
    write_golden_output()
