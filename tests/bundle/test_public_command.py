"""Commands that a bundle quotes name no folder of the computer on which they ran."""

import shlex

from bundle.public_command import public_command


def test_commands_lose_the_folders_of_this_computer():
    words = ["python", "-m", "train", "gan", "/home/me/my runs/a", "--data=~/pictures/cats", "--minutes", "5"]
    command = shlex.join([*words, "--data", "C:\\my\\pictures", "runs/b"])
    wanted = "python -m train gan a --data=cats --minutes 5 --data pictures runs/b"
    assert public_command(command) == wanted
    assert public_command(f"{command} && {command}") == f"{wanted} && {wanted}"


def test_a_command_with_half_a_pair_of_quotation_marks():
    wanted = "python -m train gan b --data " + shlex.quote("it's")
    assert public_command("python -m train gan /a/b --data it's") == wanted


def test_folders_of_windows_are_left_out_however_they_are_written():
    for folder in ("C:/Users/bob/pics", "C:\\Users\\bob\\pics", "c:/Users\\bob/pics/"):
        words = ["python", "-m", "train", "gan", "--data", folder, f"--data={folder}"]
        assert public_command(shlex.join(words)) == "python -m train gan --data pics --data=pics"
    for folder in ("./../bob/pics", "././../../pics", "..\\bob\\pics", ".\\..\\pics", "a/../../bob/pics"):
        assert public_command(shlex.join(["x", f"--data={folder}"])) == "x --data=pics"
    assert public_command("python -m train gan ./a/b") == "python -m train gan ./a/b"
    assert public_command("python -m train gan --mix a:b") == "python -m train gan --mix a:b"
