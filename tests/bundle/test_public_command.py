"""Commands that a bundle quotes name no folder of the computer on which they ran."""

import shlex

from bundle.public_command import public_command


def test_commands_lose_the_folders_of_this_computer():
    words = ["python", "-m", "train", "gan", "/home/me/my runs/a", "--data=~/pictures/cats", "--minutes", "5"]
    command = shlex.join([*words, "--data", "C:\\my\\pictures", "runs/b"])
    wanted = "python -m train gan a --data=cats --minutes 5 --data pictures runs/b"
    assert public_command(command) == wanted
    assert public_command(f"{command} && {command}") == f"{wanted} && {wanted}"


def test_folders_with_signs_between_commands_and_addresses_of_files_lose_theirs_too():
    both = shlex.join(["python", "-m", "train", "gan", "--data", "/home/me/cats && dogs", "--size", "64"])
    assert public_command(f"{both} && {both}") == " && ".join(
        ["python -m train gan --data 'cats && dogs' --size 64"] * 2
    )
    assert public_command("python -m train gan --data=file:///home/me/x") == "python -m train gan --data=x"
    assert (
        public_command("python -m train gan --data '/home/me/x --size 64") == "python -m train gan --data x --size 64"
    )
    trained = "python -m train gan a && python -m export unpack b c"
    assert public_command(trained) == "python -m train gan a"


def test_a_command_with_half_a_pair_of_quotation_marks():
    assert public_command("python -m train gan /a/b --data it's") == "python -m train gan b --data its"


def test_folders_of_windows_are_left_out_however_they_are_written():
    for folder in ("C:/Users/bob/pics", "C:\\Users\\bob\\pics", "c:/Users\\bob/pics/"):
        words = ["python", "-m", "train", "gan", "--data", folder, f"--data={folder}"]
        assert public_command(shlex.join(words)) == "python -m train gan --data pics --data=pics"
    for folder in ("./../bob/pics", "././../../pics", "..\\bob\\pics", ".\\..\\pics", "a/../../bob/pics"):
        assert public_command(shlex.join(["x", f"--data={folder}"])) == "x --data=pics"
    assert public_command("python -m train gan ./a/b") == "python -m train gan ./a/b"
    assert public_command("python -m train gan --mix a:b") == "python -m train gan --mix a:b"
