"""Questions about tables become SQL whose result is true; others become none.

The tables here belong to no stage: a lending library and a personnel office, filled at random.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from shared.messages import Message, Request, ToolResult, ToolSpec, user
from shared.offline.answer import Answer
from shared.offline.brain import think
from shared.offline.skills import steps
from shared.offline.skills.schema_text import tables
from shared.offline.skills.sql_write import select

LIBRARY = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT, country TEXT, born INTEGER);
CREATE TABLE books (
    id INTEGER PRIMARY KEY, title TEXT, author_id INTEGER REFERENCES authors(id), genre TEXT,
    pages INTEGER, price REAL, published DATE
);
CREATE TABLE loans (
    id INTEGER PRIMARY KEY, book_id INTEGER REFERENCES books(id), member TEXT, loaned_on DATE,
    late INTEGER -- 1 when it came back late
);
"""
OFFICE = """
employees(id, name, department_id, salary, hire_date, city)
departments(id, name, budget)
"""


@pytest.fixture(scope="module")
def db() -> Iterator[sqlite3.Connection]:
    chance = random.Random(7)
    made = sqlite3.connect(":memory:")
    made.executescript(LIBRARY)
    made.execute("CREATE TABLE employees (id, name, department_id, salary, hire_date, city)")
    made.execute("CREATE TABLE departments (id, name, budget)")
    add = made.execute
    for n in range(1, 7):
        add(
            "INSERT INTO authors VALUES (?, ?, ?, ?)",
            (n, f"Author {n}", "Italy" if n % 2 else "Chile", 1900 + n),
        )
    for n in range(1, 41):
        genre = chance.choice(("crime", "poetry"))
        row = (
            n,
            f"Book {n}",
            n * n % 5 + 1,
            genre,
            80 + n * 7,
            5 + n / 4,
            f"{1990 + n % 30}-05-01",
        )
        add("INSERT INTO books VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    for n in range(1, 91):
        row = (n, chance.randint(1, 40), f"m{n % 9}", f"2025-{n % 12 + 1:02d}-03", int(n % 4 == 0))
        add("INSERT INTO loans VALUES (?, ?, ?, ?, ?)", row)
    for n in range(1, 31):
        city = chance.choice(("Paris", "Rome"))
        row = (n, n * n % 7 % 3 + 1, f"Emp {n}", 3000 + n * 50, f"{2010 + n % 10}-03-01", city)
        add("INSERT INTO employees VALUES (?, ?, ?, ?, ?, ?)", (row[0], row[2], row[1], *row[3:]))
    for n, name in ((1, "Sales"), (2, "Engineering"), (3, "Legal")):
        add("INSERT INTO departments VALUES (?, ?, ?)", (n, name, n * 1000))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("schema", "question", "truth"),
    [
        (LIBRARY, "How many books are there?", "SELECT count(*) FROM books"),
        (LIBRARY, "How many crime books are there?",
         "SELECT count(*) FROM books WHERE genre = 'crime'"),
        (LIBRARY, "What is the average price of books?", "SELECT round(avg(price), 4) FROM books"),
        (LIBRARY, "What is the total price of all books?", "SELECT sum(price) FROM books"),
        (LIBRARY, "How many books were published in 2005?",
         "SELECT count(*) FROM books WHERE published LIKE '2005%'"),
        (LIBRARY, "How many loans were made in March 2025?",
         "SELECT count(*) FROM loans WHERE loaned_on LIKE '2025-03%'"),
        (LIBRARY, "How many books cost more than 10?",
         "SELECT count(*) FROM books WHERE price > 10"),
        (LIBRARY, "How many authors come from Italy?",
         "SELECT count(*) FROM authors WHERE country = 'Italy'"),
        (LIBRARY, "Which book has the most pages?",
         "SELECT title, pages FROM books ORDER BY pages DESC LIMIT 1"),
        (LIBRARY, "What is the most expensive book?",
         "SELECT title, price FROM books ORDER BY price DESC LIMIT 1"),
        (LIBRARY, "Which author has written the most books?",
         "SELECT authors.name, count(*) FROM books JOIN authors ON author_id = authors.id "
         "GROUP BY authors.id ORDER BY 2 DESC LIMIT 1"),
        (LIBRARY, 'Who wrote "Book 7"?',
         "SELECT name FROM authors WHERE id = "
         "(SELECT author_id FROM books WHERE title = 'Book 7')"),
        (LIBRARY, 'How many pages does "Book 3" have?',
         "SELECT pages FROM books WHERE title = 'Book 3'"),
        (LIBRARY, "What percentage of the loans were late?",
         "SELECT round(100.0 * sum(late) / count(*), 2) FROM loans"),
        (OFFICE, "How many employees work in Paris?",
         "SELECT count(*) FROM employees WHERE city = 'Paris'"),
        (OFFICE, "How many employees work in the Engineering department?",
         "SELECT count(*) FROM employees WHERE department_id = 2"),
        (OFFICE, "What is the average salary?", "SELECT round(avg(salary), 4) FROM employees"),
        (OFFICE, "Who earns the most?",
         "SELECT name, salary FROM employees ORDER BY salary DESC LIMIT 1"),
        (OFFICE, "Which department has the largest budget?",
         "SELECT name, budget FROM departments ORDER BY budget DESC LIMIT 1"),
        (OFFICE, "Which department has the most employees?",
         "SELECT d.name, count(*) FROM employees e JOIN departments d ON d.id = e.department_id "
         "GROUP BY d.id ORDER BY 2 DESC LIMIT 1"),
        (OFFICE, "What is the average salary per department?",
         "SELECT d.name, round(avg(salary), 4) FROM employees e JOIN departments d "
         "ON d.id = e.department_id GROUP BY d.id ORDER BY d.name"),
        (OFFICE, "How many employees earn more than 4000?",
         "SELECT count(*) FROM employees WHERE salary > 4000"),
    ],
)  # fmt: skip
def test_the_statement_gives_the_truth(
    db: sqlite3.Connection, schema: str, question: str, truth: str
) -> None:
    written = select(question, tables(schema))
    assert written is not None
    assert db.execute(written).fetchall() == db.execute(truth).fetchall()


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "How many planets does the sun have?",
        "Who will win the next election?",
        "What is the telephone number of Author 3?",
        "How long is the refund period?",
        "",
        "?",
    ],
)
def test_other_questions_become_no_statement(question: str) -> None:
    assert select(question, tables(LIBRARY)) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"users": ["id", "email"], "posts": ["id", "user_id", "title"]}',
        '{"tables": [{"name": "users", "columns": [{"name": "id"}, {"name": "email"}]},'
        ' {"name": "posts", "columns": [{"name": "id"}, {"name": "user_id"}, {"name": "title"}]}]}',
        "users(id, email)\nposts(id, user_id, title)",
        "- users: id, email\n- posts: id, user_id, title",
        "CREATE TABLE users (id INT, email TEXT);"
        "CREATE TABLE posts (id INT, user_id INT, title TEXT)",
    ],
)
def test_tables_are_read_in_many_writings(text: str) -> None:
    found = {table.name: table for table in tables(text)}
    assert [c.name for c in found["posts"].columns] == ["id", "user_id", "title"]
    assert found["posts"].columns[1].points == ("users", "id")


@pytest.mark.parametrize(
    "text", ["", "hello (world)", "{", "[[[", '{"a": 1}', "x: y, z?", "(" * 500]
)
def test_other_text_holds_no_tables(text: str) -> None:
    assert [table.name for table in tables(text) if len(table.columns) > 2] == []


QUERY = ToolSpec(
    "run_query", "Runs one SQL query on the library's books and loans.",
    {"type": "object", "properties": {"sql": {"type": "string", "description": "SELECT statement"}},
     "required": ["sql"]},
)  # fmt: skip
TABLES = ToolSpec(
    "list_tables", "Lists the tables and columns.", {"type": "object", "properties": {}}
)
SUM = ToolSpec(
    "calculate", "Evaluates an arithmetic expression.",
    {"type": "object", "properties": {"expression": {"type": "string"}},
     "required": ["expression"]},
)  # fmt: skip


def turns(wish: str, run: dict[str, Any], tools: tuple[ToolSpec, ...]) -> tuple[list[str], Answer]:
    """The calls that the small model makes with tools which `run` answers, and its answer."""
    messages: list[Message] = [user(wish)]
    made: list[str] = []
    for _ in range(8):
        answer = think(Request(messages=tuple(messages), tools=tools), "small", None)
        if not answer.tool_calls:
            return made, answer
        results = []
        for call in answer.tool_calls:
            made.append(call.name)
            said, failed = run[call.name](call.arguments())
            results.append(ToolResult(call.id, said, failed))
        messages += [Message("assistant", answer.tool_calls), Message("user", tuple(results))]
    raise AssertionError("still calling after 8 turns")


def library_tools(db: sqlite3.Connection) -> dict[str, Any]:
    def query(given: dict[str, Any]) -> tuple[str, bool]:
        cursor = db.execute(given["sql"])
        names = [name for name, *_ in cursor.description]
        return json.dumps([dict(zip(names, row, strict=True)) for row in cursor.fetchall()]), False

    def calculate(given: dict[str, Any]) -> tuple[str, bool]:
        one, sign, other = given["expression"].split()
        made = {"*": lambda a, b: a * b, "-": lambda a, b: a - b}[sign](float(one), float(other))
        return json.dumps({"result": made}), False

    return {
        "run_query": query,
        "list_tables": lambda _: (LIBRARY, False),
        "calculate": calculate,
    }


def test_tables_are_looked_up_before_the_query_is_written(db: sqlite3.Connection) -> None:
    made, answer = turns("How many books are there?", library_tools(db), (QUERY, TABLES, SUM))
    assert made == ["list_tables", "run_query"]
    assert "40" in answer.text


def test_a_sum_is_done_with_the_answer(db: sqlite3.Connection) -> None:
    wish = "How many loans are there? Multiply that by 3."
    made, answer = turns(wish, library_tools(db), (QUERY, TABLES, SUM))
    assert made == ["list_tables", "run_query", "calculate"]
    assert "270" in answer.text


def test_two_questions_and_their_difference(db: sqlite3.Connection) -> None:
    wish = "How many more loans were made in March 2025 than in April 2025?"
    made, answer = turns(wish, library_tools(db), (QUERY, TABLES, SUM))
    assert made == ["list_tables", "run_query", "run_query", "calculate"]
    assert "calculate" in answer.text


def test_a_broken_calculator_is_replaced_by_the_database(db: sqlite3.Connection) -> None:
    run = library_tools(db) | {"calculate": lambda _: ("out of order", True)}
    made, answer = turns("How many loans are there? Multiply that by 3.", run, (QUERY, TABLES, SUM))
    assert made == ["list_tables", "run_query", "calculate", "run_query"]
    assert "270" in answer.text


def test_a_broken_database_is_admitted(db: sqlite3.Connection) -> None:
    run = library_tools(db) | {"run_query": lambda _: ("disk error", True)}
    made, answer = turns("How many loans are there?", run, (QUERY, TABLES, SUM))
    assert made == ["list_tables", "run_query"]
    assert "disk error" in answer.text
    assert not any(c.isdigit() for c in answer.text)


@pytest.mark.parametrize(
    ("wish", "questions", "sum"),
    [
        ("What is the price of a book? Add 10%.", 1, ""),
        ("What is the average price, and how much is that plus 19%?", 1, "{0} * 1.19"),
        ("What is the average price? What is that with 20% off?", 1, "{0} * 0.8"),
        ("What does one ticket cost, and what do 7 tickets cost?", 1, "{0} * 7"),
        ("How many people live here? Divide that by 12.", 1, "{0} / 12"),
        ("What is the difference between the oldest age and the youngest age?", 2, "{0} - {1}"),
        ("What is 15% of the total salary?", 1, "{0} * 0.15"),
    ],
)
def test_a_sum_in_words_is_cut_out(wish: str, questions: int, sum: str) -> None:
    found = steps.read(wish)
    assert found
    assert len(found.questions) == (questions if sum else 2)
    assert found.sum == sum


@pytest.mark.parametrize(
    "wish", ["", "Hello", "What is 2 plus 3?", "Tell me a joke", "weather in Oslo"]
)
def test_one_question_is_left_whole(wish: str) -> None:
    assert steps.read(wish) is None
