class Contacts:
    def __init__(self,*a): pass
    def apply(self,*a): pass
